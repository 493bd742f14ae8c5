-- Ask for one thing after another: the addresses stand in the file POINTS, the endpoint's path in ENDPOINT.
local addresses, place = {}, 0
for query in io.lines(os.getenv("POINTS")) do
  addresses[#addresses + 1] = os.getenv("ENDPOINT") .. "?query=" .. query
end
wrk.headers["Accept"] = "application/sparql-results+json"
request = function()
  place = place % #addresses + 1
  return wrk.format("GET", addresses[place])
end
