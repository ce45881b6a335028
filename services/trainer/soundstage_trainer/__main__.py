import sys

from soundstage_trainer.cli import main

sys.exit(main())
