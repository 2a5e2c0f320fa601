"""Roof of the engine process: builds adapters, hands them to services, serves the channel; no rules here."""
