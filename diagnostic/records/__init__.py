"""What a run leaves behind: files written whole or not at all, run directories that resume, versions, shipped assets.

Enters: plain data and a folder. Leaves: files on disk, and the same data read back, hashes checked. Knows no other room.
"""
