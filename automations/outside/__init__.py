"""Tools of other people's programs, asked by the official client of the Model Context Protocol, each pinned to what two people approved."""
