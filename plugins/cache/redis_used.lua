-- Entries that were near enough. ARGV: keys.
for _, key in ipairs(ARGV) do
  if call('EXISTS', entry_of(key)) == 1 then
    use(key, 'near')
  end
end
return ''
