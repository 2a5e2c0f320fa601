"""One file per mail provider, the only place of its vendor library, and the listener they sign in through."""
