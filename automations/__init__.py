"""What the machine may do: recipes, their steps, and the door through which each side effect passes."""

RECIPE = "recipe"  # the target's kind
