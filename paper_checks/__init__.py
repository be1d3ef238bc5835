"""Claims of the paper, each with procedure, measured value and verdict. Holds none yet."""
