"""Nouns, states, rules and words of the product: standard library only, no clock, no input or output."""
