"""Live numbers: which metrics have them, and the windows that the flow writes and the API reads."""
