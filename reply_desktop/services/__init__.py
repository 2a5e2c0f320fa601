"""Use cases and the ports they need; knows the domain only, never a library, a screen or the channel."""
