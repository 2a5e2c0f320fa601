"""The sandbox by a clock that a test can put forward: as `python -m reply_desktop.sandbox`, with AHEAD before it.

python movable_sandbox.py AHEAD_FILE --data-dir DIR …
"""

import sys
from pathlib import Path

from reply_desktop.sandbox.__main__ import main
from tests.acceptance.killed_teller import AheadClock

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[2:], AheadClock(Path(sys.argv[1])).now))
