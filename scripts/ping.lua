-- How a ping is answered: with itself, so that a monitor can measure the time that takes. What is answered here goes no
-- further, and whoever sent it does not join the chat.

relay.default("ping", function(text, from)
  if text == "ping" and from.transport == "udp" then return text end
end)
