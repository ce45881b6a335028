import sys

from soundstage_trainer import stop
from soundstage_trainer.errors import EXIT_STOPPED

stop.listen()  # before PyTorch is imported, which takes seconds
try:
    from soundstage_trainer.cli import main

    sys.exit(main())
except stop.Stopped:
    sys.exit(EXIT_STOPPED)
