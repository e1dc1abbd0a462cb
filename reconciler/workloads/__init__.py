"""What should run: from objects and what runs already to the pods wanted now. Pure."""
