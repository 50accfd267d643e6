"""`python -m jaxsig` is the command line of `jaxsig.main`."""
from jaxsig.main import run

if __name__ == "__main__":
  run()
