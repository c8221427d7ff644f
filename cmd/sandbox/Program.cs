using Exporter.Sandbox.Command;

return await SandboxCommand.Create().Parse(args, SandboxCommand.Parsing).InvokeAsync();
