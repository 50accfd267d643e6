"""A folder a system: data, task, protocol and own-file parts."""
