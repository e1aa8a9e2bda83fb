-- As wrk.lua, but asks for another path each time, from the file named by the first argument.
function init(args)
   requests, at = {}, 0
   for path in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", path)
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

dofile(os.getenv("WRK_DONE"))
