"""Reply Desktop: keeps every sending mailbox connected and tells the truth about it."""

__version__ = "0.1.0"
