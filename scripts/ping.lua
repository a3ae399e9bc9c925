-- How a ping is answered: with itself, so that a monitor can measure the time that takes. What is answered here goes no
-- further, and whoever sent it does not join the chat.

relay.default("ping", { transport = "udp" }, function(text)
  if text == "ping" then return text end
end)
