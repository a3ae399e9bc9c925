relay.on("message", function(message) return message.text:upper() end)
