"""One file a format. A reader turns a file into lines of canonical conversations."""
