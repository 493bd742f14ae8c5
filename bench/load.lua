-- Send one query after another: they stand encoded, one a line, in the file TEXTS; the endpoint's path is in
-- ENDPOINT, the media type that is accepted in ACCEPT, the number of the query to begin with in FIRST.
-- What makes a long address is posted as a form, as browsers and libraries do.
local LONGEST = 2000
local queries, endpoint = {}, os.getenv("ENDPOINT")
local place = tonumber(os.getenv("FIRST"))
local posted = { ["Content-Type"] = "application/x-www-form-urlencoded", ["Accept"] = os.getenv("ACCEPT") }
local got = { ["Accept"] = os.getenv("ACCEPT") }
for query in io.lines(os.getenv("TEXTS")) do
  queries[#queries + 1] = query
end
request = function()
  local query = queries[place % #queries + 1]
  place = place + 1
  if #query > LONGEST then
    return wrk.format("POST", endpoint, posted, "query=" .. query)
  end
  return wrk.format("GET", endpoint .. "?query=" .. query, got)
end
