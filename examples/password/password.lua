-- Whoever comes in over TCP says the password first. Over UDP nobody can be asked, so nobody comes in.

local set = relay.settings({
  word = { "secret", help = "the password; nobody comes in while there is none" },
  tries = { "integer", default = 3, min = 1, max = 10, help = "how often one may try" },
})

relay.on("admit", function(client, text)
  if client.transport ~= "tcp" then return false, "only over TCP" end
  if not set.word then return false, "this relay has no password yet" end
  if not text then return "Password:" end
  if text == set.word then return end
  client.data.tries = (client.data.tries or 0) + 1
  if client.data.tries >= set.tries then return false, "Wrong. Goodbye." end
  return "Wrong. Password:"
end)
