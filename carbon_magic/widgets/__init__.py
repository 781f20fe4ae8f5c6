"""What moves in a notebook: models that are never displayed, and make a saved element of the page live."""
