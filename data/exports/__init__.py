"""One file a format. An export turns dataset rows into lines of a file."""
