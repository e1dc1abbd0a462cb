"""Images: pull, unpack once, share, mount, remove."""
