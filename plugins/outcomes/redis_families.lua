-- Name and vector of the families of a space, by turns. ARGV: the space.
return told(call('HGETALL', BASE .. 'f:' .. ARGV[1]))
