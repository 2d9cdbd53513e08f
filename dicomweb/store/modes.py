"""Modes: who may read what is made on disk, be it an object, the index or a computed frame.

It is patients' data: nothing for others, whatever the umask; the umask may take away more.
"""

FILE_MODE = 0o640
FOLDER_MODE = 0o750
