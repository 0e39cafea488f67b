"""What files of events amount to, as a page, JSON, CSV or Markdown. Needs ``leanloop[report]``."""
