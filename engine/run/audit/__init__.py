"""The design audit: whether a part of the input alone tells the answer, asked before anything is trained."""
