"""Electronic certificates and mobile IDs: issue them, hold them, show the least of them, and judge what is shown."""
