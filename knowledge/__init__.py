"""What the company knows: articles, finding the right passage in them, answering from it, and what nothing covers yet."""

ARTICLE, ANSWERER = "article", "answerer"  # kinds of targets
INSTEAD = "in_place_of"  # of what a model answered: what stood there until it came
LEFT = "left_to_people"  # of what no machine answered: the policy's sentence
