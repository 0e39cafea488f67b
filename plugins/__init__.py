"""What is done to a call: savings and guards that know no framework."""
