-- Sends the requests of the file named by REQUESTS in turn: the length of each on a line, then its bytes.
local requests, count, at = {}, 0, 0

function init()
  local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
  for length in function() return file:read("*n", 1) end do
    count = count + 1
    requests[count] = file:read(length)
  end
  file:close()
end

function request()
  at = at % count + 1
  return requests[at]
end
