"""What is proven on a labelled set or on live calls: bounds, thresholds, comparisons."""
