"""``ewallet-verify``: the command of those who receive certificates."""
