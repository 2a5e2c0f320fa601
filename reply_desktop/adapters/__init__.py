"""The outside world (network, keyring, database, mail, scheduler): carries out the ports, decides nothing."""
