-- What came and went. ARGV: epoch and last row known.
return told(news(ARGV[1], tonumber(ARGV[2])))
