"""The commands: a front of the engine for shells and scripts; knows domain and channel only, never Qt."""
