"""Files of signals as their channels: text tables with their times, WFDB and EDF."""
