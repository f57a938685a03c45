"""The steps of a recipe, a file each. What they take, give and change they declare themselves (face.py)."""
