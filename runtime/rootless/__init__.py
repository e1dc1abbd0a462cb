"""An ordinary user as root in namespaces of their own: made, kept, entered, networked."""
