-- What luacheck knows of the scripts' world. The sandbox has fewer globals than Lua itself.
std = {
  globals = {},
  read_globals = {
    "_VERSION", "assert", "collectgarbage", "coroutine", "error", "getmetatable", "ipairs", "math", "next", "os",
    "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "relay", "require", "select", "setmetatable",
    "string", "table", "tonumber", "tostring", "type", "utf8", "xpcall",
  },
}
allow_defined_top = true
max_line_length = 120
files["**/*_test.lua"] = { read_globals = { "test" } }
