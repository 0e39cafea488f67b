"""What happens while tasks run, as events that are told to sinks."""
