-- One chat for everybody: clients come in by TCP and by UDP, and all of them go into the same room.

relay.on("connect", function(client) client.room = "chat" end)
