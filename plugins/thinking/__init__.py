"""How much the model is to think: decided per call, or once a turn of the user where its provider wants that."""
