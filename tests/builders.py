"""What tests build: the root of the checkout, fake files, tiny configs and models."""
import pathlib

ROOT = pathlib.Path(__file__).parent.parent
