"""What providers publish of how their models reason, for both frameworks: one file a provider."""
