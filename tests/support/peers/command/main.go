// A provider that answers to the package `command`: one resource, `command:local:Command`, with the properties and the
// behaviour that the published SDKs of that package rely on. The source of the original is not a Go module that can be
// had, its SDKs for npm, PyPI and Go are; this is the smallest real provider that they can talk to.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

const token = "command:local:Command"

var version = "0.0.0" // set by the linker

type provider struct {
	pulumirpc.UnimplementedResourceProviderServer
}

func decode(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
}

func encode(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
}

func text(m resource.PropertyMap, key resource.PropertyKey) string {
	if v, ok := m[key]; ok && v.IsString() {
		return v.StringValue()
	}
	return ""
}

// run executes `line` as the inputs say and returns the inputs with what it printed.
func run(ctx context.Context, line string, inputs, previous resource.PropertyMap) (*structpb.Struct, error) {
	interpreter := []string{"/bin/sh", "-c"}
	if v, ok := inputs["interpreter"]; ok && v.IsArray() && len(v.ArrayValue()) > 0 {
		interpreter = nil
		for _, word := range v.ArrayValue() {
			interpreter = append(interpreter, word.StringValue())
		}
	}
	outputs := inputs.Copy()
	if line == "" {
		outputs["stdout"], outputs["stderr"] = resource.NewProperty(""), resource.NewProperty("")
		return encode(outputs)
	}
	command := exec.CommandContext(ctx, interpreter[0], append(interpreter[1:], line)...)
	command.Dir = text(inputs, "dir")
	command.Env = os.Environ()
	if v, ok := inputs["environment"]; ok && v.IsObject() {
		for key, value := range v.ObjectValue() {
			command.Env = append(command.Env, string(key)+"="+value.StringValue())
		}
	}
	if previous != nil {
		command.Env = append(command.Env, "PULUMI_COMMAND_STDOUT="+text(previous, "stdout"),
			"PULUMI_COMMAND_STDERR="+text(previous, "stderr"))
	}
	if input := text(inputs, "stdin"); input != "" {
		command.Stdin = strings.NewReader(input)
	}
	var out, problems strings.Builder
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("running %q: %w: %s", line, err, strings.TrimSpace(problems.String()))
	}
	outputs["stdout"] = resource.NewProperty(strings.TrimSuffix(out.String(), "\n"))
	outputs["stderr"] = resource.NewProperty(strings.TrimSuffix(problems.String(), "\n"))
	return encode(outputs)
}

func (*provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (*provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: strings.ReplaceAll(schema, "VERSION", version)}, nil
}

func (*provider) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (*provider) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (*provider) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{SupportsPreview: true}, nil
}

func (*provider) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if r.Type != "" && r.Type != token {
		return nil, fmt.Errorf("this provider has no resource '%s'", r.Type)
	}
	return &pulumirpc.CheckResponse{Inputs: r.News}, nil
}

func (*provider) Diff(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	before, err := decode(r.OldInputs)
	if err != nil {
		return nil, err
	}
	after, err := decode(r.News)
	if err != nil {
		return nil, err
	}
	difference := before.Diff(after)
	if difference == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}
	for _, key := range difference.ChangedKeys() {
		response.Diffs = append(response.Diffs, string(key))
		if key == "triggers" {
			response.Replaces = append(response.Replaces, string(key))
		}
	}
	return response, nil
}

func (*provider) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	inputs, err := decode(r.Properties)
	if err != nil {
		return nil, err
	}
	if r.Preview {
		inputs["stdout"] = resource.MakeComputed(resource.NewProperty(""))
		inputs["stderr"] = resource.MakeComputed(resource.NewProperty(""))
		outputs, err := encode(inputs)
		return &pulumirpc.CreateResponse{Properties: outputs}, err
	}
	outputs, err := run(ctx, text(inputs, "create"), inputs, nil)
	if err != nil {
		return nil, err
	}
	name := resource.URN(r.Urn).Name()
	return &pulumirpc.CreateResponse{Id: name, Properties: outputs}, nil
}

func (*provider) Read(_ context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	return &pulumirpc.ReadResponse{Id: r.Id, Inputs: r.Inputs, Properties: r.Properties}, nil
}

func (*provider) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	inputs, err := decode(r.News)
	if err != nil {
		return nil, err
	}
	previous, err := decode(r.Olds)
	if err != nil {
		return nil, err
	}
	line := text(inputs, "update")
	if line == "" {
		line = text(inputs, "create")
	}
	if r.Preview {
		inputs["stdout"], inputs["stderr"] = previous["stdout"], previous["stderr"]
		outputs, err := encode(inputs)
		return &pulumirpc.UpdateResponse{Properties: outputs}, err
	}
	outputs, err := run(ctx, line, inputs, previous)
	return &pulumirpc.UpdateResponse{Properties: outputs}, err
}

func (*provider) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	previous, err := decode(r.Properties)
	if err != nil {
		return nil, err
	}
	inputs := previous.Copy()
	_, err = run(ctx, text(inputs, "delete"), inputs, previous)
	return &emptypb.Empty{}, err
}

func (*provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Attach has nothing to do: this provider calls nothing of the engine.
func (*provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func main() {
	_ = flag.String("tracing", "", "what the engine passes to every plugin; not used here")
	flag.Parse()
	stop := make(chan bool)
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(server, &provider{})
			return nil
		},
	})
	if err != nil {
		cmdutil.Exit(err)
	}
	fmt.Printf("%d\n", server.Port) // how the engine learns where to connect
	if err := <-server.Done; err != nil {
		cmdutil.Exit(err)
	}
}
