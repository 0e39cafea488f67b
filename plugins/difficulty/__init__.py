"""How hard a call is: whether the dearer setting succeeds where the cheaper one fails."""
