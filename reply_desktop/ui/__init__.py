"""The window: screens and what they are made of. Knows the channel and the domain, never the engine."""
