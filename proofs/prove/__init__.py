"""One module for each proof: its docstring opens with the promise; SHORT and LONG are its sizes."""
